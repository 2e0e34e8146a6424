#!/bin/bash
# One check of an NVIDIA GPU in 8 minutes, in a checkout or from anywhere:  bash benchmarks/gpu.sh [--only speed,waits] [--out <folder>]
# The same code in a tiny mode on a CPU, which shows that the script itself works:  bash benchmarks/gpu.sh --cpu
# PYTHON=<path> chooses the Python; .venv/bin/python of the checkout otherwise, else python3.
set -u
root=$(cd "$(dirname "$0")/.." && pwd)
python=${PYTHON:-$root/.venv/bin/python}
[ -x "$python" ] || python=python3
export PYTHONPATH="$root/src${PYTHONPATH:+:$PYTHONPATH}" PYTHONUNBUFFERED=1 WANDB_MODE=offline OMP_NUM_THREADS="${OMP_NUM_THREADS:-4}"
"$python" -c "import sparring.stage.train" || { echo "gpu.sh: $python lacks something that sparring needs: make test sets it up, or say PYTHON=<path>." >&2; exit 1; }
nvidia-smi --query-gpu=name,driver_version,memory.used,utilization.gpu --format=csv,noheader 2>/dev/null
exec "$python" "$root/benchmarks/gpu.py" "$@"
