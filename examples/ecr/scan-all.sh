#!/bin/sh
# Has every image of every repository scanned, and prints how each scan ended: repository, digest, status, description.
# Ends with 1 where a scan did not complete. Until Gantry has a scanner, every scan ends as FAILED and says so.
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
    scan=$(aws ecr describe-image-scan-findings --repository-name "$repository" --image-id "imageDigest=$digest" \
      --no-paginate --query "imageScanStatus.join(' ', [status, description || ''])" --output text)
    echo "$repository $digest $scan"
    case $scan in COMPLETE*) ;; *) left=1 ;; esac
  done
done
exit "$left"
