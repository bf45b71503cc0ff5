"""What an output must be, a module per kind of rule. Each rule is a frozen dataclass that fulfils `case.Rule`."""
