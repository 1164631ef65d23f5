def get_dataset_cfg(configuration):
    """As the authors': settings of the dataset stand in where none were given."""
    configuration["mem_every"] = configuration["mem_every"] or 5
