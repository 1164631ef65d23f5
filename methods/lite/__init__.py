"""What the small methods share, whose weights are made here: the backbone that ships, decoder, training, description.

Here alone the core names methods and datasets: `lwl-lite`, `stm-lite` and `osvos-lite` stand on the same backbone, and
were trained on DAVIS 2016 with the same samples, loss and budget, which is what makes them comparable.
"""
