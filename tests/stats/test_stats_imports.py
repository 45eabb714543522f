import subprocess
import sys

# A stand-in for `tic` keeps the package's other parts from being imported on the way.
PROBE = """
import sys, types
package = types.ModuleType("tic")
package.__path__ = ["tic"]
sys.modules["tic"] = package
import tic.stats
print(*[name for name in sys.modules if name.split(".")[0] in ("tic", "scipy", "statsmodels")])
"""


def test_statistics_import_neither_heavy_libraries_nor_the_rest_of_tic(request):
    result = subprocess.run(
        [sys.executable, "-c", PROBE],
        capture_output=True,
        text=True,
        check=True,
        cwd=request.config.rootpath,
    )
    loaded = set(result.stdout.split()) - {"tic"}
    assert loaded
    assert all(name == "tic.arrays" or name.startswith("tic.stats") for name in loaded)
    assert "tic.stats.calibration" not in loaded
