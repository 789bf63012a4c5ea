"""The verbs of the `onemap` command, one file each. Heavy modules are imported inside the verbs, so that help is instant."""
