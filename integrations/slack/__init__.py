"""Slack, where people are told: one incoming webhook, one channel."""

from integrations.connector import Connector
from integrations.slack.client import Slack
from integrations.slack.settings import SlackSettings

CONNECTOR = Connector(vendor="slack", title="Slack", settings=SlackSettings, connect=Slack)
