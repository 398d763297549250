"""Trajectories of other programs: LAMMPS dumps, GSD and AMBER NetCDF, as runs in units of V."""
