"""Takes an analysis, gives text: nothing here prints."""
