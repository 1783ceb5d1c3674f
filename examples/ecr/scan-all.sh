#!/bin/sh
# Has every image of every repository scanned, and prints how each scan ended: repository, digest, status, description.
# Ends with 1 where a scan did not complete within a minute.
#
# usage: AWS_ENDPOINT_URL=http://127.0.0.1:5000 scan-all.sh
set -eu
left=0

repositories=$(aws ecr describe-repositories --query 'repositories[].repositoryName' --output text)
for repository in $repositories; do
  digests=$(aws ecr list-images --repository-name "$repository" --query 'imageIds[].imageDigest' --output text)
  for digest in $(printf '%s\n' "$digests" | tr '\t' '\n' | sort -u); do
    # Refused where the last scan is younger than a day: then that one counts.
    said=$(aws ecr start-image-scan --repository-name "$repository" --image-id "imageDigest=$digest" 2>&1) ||
      case $said in *LimitExceededException*) ;; *) echo "$repository $digest: $said" >&2; left=1; continue ;; esac
    # One page says how it ended; the command line cannot put pages together where a scan found nothing out.
    tries=60
    while :; do
      scan=$(aws ecr describe-image-scan-findings --repository-name "$repository" --image-id "imageDigest=$digest" \
        --no-paginate --query "imageScanStatus.join(' ', [status, description || ''])" --output text)
      tries=$((tries - 1))
      case $scan in IN_PROGRESS*) [ "$tries" -gt 0 ] && sleep 1 && continue ;; esac
      break
    done
    echo "$repository $digest $scan"
    case $scan in COMPLETE* | ACTIVE*) ;; *) left=1 ;; esac
  done
done
exit "$left"
