//! Configuration: defaults < server.properties < environment < command line, and the topic configs as one table.
