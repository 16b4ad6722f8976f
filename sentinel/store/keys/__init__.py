"""Keys below the master key: of persons, of tokens that rotate; and what was done with them."""
