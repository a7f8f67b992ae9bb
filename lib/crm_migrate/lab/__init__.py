"""What an analyst turns and clicks in JupyterLab; each of these does what a parameter, or a command, does as well.

Where no front end is there to draw it, a widget leaves what it shows as a picture in its place.
"""

from crm_migrate.lab.decision import decision
from crm_migrate.lab.findings import findings
from crm_migrate.lab.night import night
from crm_migrate.lab.record import record
from crm_migrate.lab.threshold import threshold

__all__ = ["decision", "findings", "night", "record", "threshold"]
