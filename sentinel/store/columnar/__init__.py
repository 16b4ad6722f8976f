"""Column files: the lasting form of the embedded event store. `folder.ColumnFolder` is the door."""
