"""Own components for sparring, each a Python file here and a YAML of the same name in conf/."""
