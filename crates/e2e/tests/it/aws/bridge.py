import base64
import json
import sys

import boto3
from botocore import xform_name
from botocore.client import Config
from botocore.exceptions import ClientError

# What is wrong with a call is for the server to say, and once.
config = Config(parameter_validation=False, retries={"max_attempts": 1, "mode": "standard"})
clients = {}
# Members that are bytes: in base64 here.
BLOBS = {"layerPartBlob", "CiphertextBlob", "Plaintext", "SecretBinary"}


def plain(value):
    if hasattr(value, "timestamp"):
        return value.timestamp()
    return base64.b64encode(value).decode()


def model(client):
    """What the service model says of each operation: the errors it may end with, and the members of its request."""
    service = client.meta.service_model
    operations = {name: service.operation_model(name) for name in service.operation_names}
    return {
        xform_name(name): {
            "errors": [shape.name for shape in operation.error_shapes],
            "members": list(operation.input_shape.members) if operation.input_shape else [],
        }
        for name, operation in operations.items()
    }


for line in sys.stdin:
    call = json.loads(line)
    keys = call.get("keys", {})
    name = (call["service"], json.dumps(keys))
    if name not in clients:
        clients[name] = boto3.client(call["service"], config=config, **keys)
    client = clients[name]
    if call["operation"] is None:
        print(json.dumps({"answer": model(client)}), flush=True)
        continue
    arguments = {name: value for name, value in call["arguments"].items() if value is not None}
    for blob in BLOBS & arguments.keys():
        arguments[blob] = base64.b64decode(arguments[blob])
    try:
        answer = getattr(client, call["operation"])(**arguments)
        said = {"answer": {name: value for name, value in answer.items() if name != "ResponseMetadata"}}
    except ClientError as error:
        response = error.response
        assert response["ResponseMetadata"].get("RequestId"), response
        said = {
            "code": response["Error"]["Code"],
            "message": response["Error"]["Message"],
            "status": response["ResponseMetadata"]["HTTPStatusCode"],
            "more": {name: value for name, value in response.items() if name not in ("Error", "ResponseMetadata", "message")},
        }
    print(json.dumps(said, default=plain), flush=True)
