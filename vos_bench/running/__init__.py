"""Running a method on a dataset: set up, resume, play each sequence, in this process or in workers."""
