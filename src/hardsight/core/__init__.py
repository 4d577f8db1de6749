"""What every room hands to the next: types, batches, generators, devices, files, extras."""
