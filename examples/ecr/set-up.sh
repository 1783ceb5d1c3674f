#!/bin/sh
# Makes repositories whose tags never move, each with a lifecycle policy. May be run again.
#
# usage: AWS_ENDPOINT_URL=http://127.0.0.1:5000 set-up.sh REPOSITORY...
set -eu

policy='{"rules": [{
  "rulePriority": 1,
  "description": "Images without a tag go after a fortnight",
  "selection": {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 14},
  "action": {"type": "expire"}
}]}'

for repository in "$@"; do
  if aws ecr describe-repositories --repository-names "$repository" >/dev/null 2>&1; then
    echo "$repository is there"
  else
    aws ecr create-repository --repository-name "$repository" --image-tag-mutability IMMUTABLE \
      --image-scanning-configuration scanOnPush=true --query repository.repositoryUri --output text
  fi
  aws ecr put-lifecycle-policy --repository-name "$repository" --lifecycle-policy-text "$policy" >/dev/null
done
