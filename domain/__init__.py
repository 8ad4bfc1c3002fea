"""What Portico's words mean: pure, frozen, standard library only."""
