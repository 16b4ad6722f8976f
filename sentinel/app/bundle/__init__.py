"""The evidence bundle of a case: for a court or an authority, to be verified without Sentinel."""
