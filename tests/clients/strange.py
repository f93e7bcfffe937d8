"""What schemathesis leaves out of what it asks."""

import schemathesis
from hypothesis.internal import lambda_sources

# For its reports it parses sources deep in the stack, which Python 3.11 takes amiss: "AST constructor
# recursion depth mismatch".
lambda_sources.lambda_description = lambda function: "lambda: <unknown>"


@schemathesis.hook
def map_query(context, query):
    """A page that is waited for is answered when something comes: nothing does here."""
    if query:
        query = {name: value for name, value in query.items() if name != "wait"}
    return query
