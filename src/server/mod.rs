//! Listeners, connections, request order, memory permits, HTTP.
