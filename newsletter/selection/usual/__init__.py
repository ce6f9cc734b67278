"""What is usual among the stored papers, so that a fit can be called unusual."""
