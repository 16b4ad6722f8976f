"""Sessions, features, and the model that scores them in a child process."""
