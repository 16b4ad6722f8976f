"""Questions that a person writes: a small query language, or the selections of a Sigma rule."""
