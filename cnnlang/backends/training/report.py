from dataclasses import dataclass
@dataclass
class Report:
    x: int = 0
