"""A test router in the image of a Gorouter: takes connections, answers as the request's path asks."""
