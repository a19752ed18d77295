vcl 4.1;

backend router1 {
  .host = "10.244.0.10";
  .port = "80";
}
