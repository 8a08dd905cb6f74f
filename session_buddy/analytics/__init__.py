"""Pure methods: numbers in, findings out; no I/O, no SQL, no clock."""
