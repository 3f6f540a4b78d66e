"""The twin's HTTP face: the platform's calls and the telephone service's, and a page about both."""
