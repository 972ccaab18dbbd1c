"""A CSV file as the inventory app: for stock that a shop keeps in a spreadsheet or exports every night. Read only."""

from integrations.connector import Connector
from integrations.csv.client import Csv
from integrations.csv.settings import CsvSettings

CONNECTOR = Connector(vendor="csv", title="CSV file", settings=CsvSettings, connect=Csv)
