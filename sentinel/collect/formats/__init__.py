"""One file per log format. A format turns a line of text into named fields, and never raises."""
