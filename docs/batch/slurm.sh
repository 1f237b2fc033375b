#!/bin/bash
# Workers on a scan: SCAN=scan sbatch slurm.sh. Of more than there are runs some end at once.
#SBATCH --job-name=jetvae
#SBATCH --array=1-8
#SBATCH --cpus-per-task=1
#SBATCH --mem=4G
#SBATCH --time=02:00:00
#SBATCH --signal=B:TERM@120
#SBATCH --requeue
#SBATCH --output=%x-%A_%a.log
# Two minutes before the time is over a worker is told to stop: it ends after the epoch, with a checkpoint, and what is
# unfinished waits for the next worker. exec lets the signal reach it.
: "${SCAN:?the folder of the scan}"
exec jetvae work "$SCAN" --no-wait
