"""The stages of the workflow, in the order in which data flow through them.

simulate -> reduce -> limits -> verdicts -> report, with structure -> exponents beside reduce.
Every stage reads and writes files, and is one function `run` that a workflow script or the command
line calls; the numbers come from the layers below.
"""
