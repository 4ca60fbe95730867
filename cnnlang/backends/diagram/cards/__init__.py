"""The overview: a card for every block, with what it does and its share of the costs."""
