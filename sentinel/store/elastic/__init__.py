"""The event store on Elasticsearch, by its core APIs only; needs the extra ``elastic``.

No data streams, life cycles, EQL or scripts: retention is our own work, which can prove what it
removed. One index a UTC day and retention class; pseudonymised columns to search by, everything
else sealed in one binary field.
"""
