#!/bin/sh
# Builds the image of a folder that holds a Dockerfile, pushes it, and prints its digest.
# docker does it, or what CONTAINER_ENGINE names, such as podman.
#
# usage: AWS_ENDPOINT_URL=http://127.0.0.1:5000 build-and-push.sh FOLDER REPOSITORY TAG
set -eu
folder=$1 repository=$2 tag=$3
engine=${CONTAINER_ENGINE:-docker}

uri=$(aws ecr describe-repositories --repository-names "$repository" \
  --query 'repositories[0].repositoryUri' --output text)
aws ecr get-login-password | "$engine" login --username AWS --password-stdin "${uri%%/*}" >&2
"$engine" build --tag "$uri:$tag" "$folder" >&2
"$engine" push "$uri:$tag" >&2
aws ecr describe-images --repository-name "$repository" --image-ids "imageTag=$tag" \
  --query 'imageDetails[0].imageDigest' --output text
