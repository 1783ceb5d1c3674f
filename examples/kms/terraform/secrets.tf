# What an upstream registry is asked with: ECR wants the name to begin so.
resource "aws_secretsmanager_secret" "upstream" {
  name        = "ecr-pullthroughcache/docker-hub"
  description = "Pulls from Docker Hub"
  kms_key_id  = aws_kms_key.images.arn
  policy      = data.aws_iam_policy_document.upstream.json

  recovery_window_in_days = 7

  tags = {
    team = "team"
  }
}

resource "aws_secretsmanager_secret_version" "upstream" {
  secret_id     = aws_secretsmanager_secret.upstream.id
  secret_string = jsonencode({ username = "team", accessToken = var.upstream_token })
}

data "aws_iam_policy_document" "upstream" {
  statement {
    actions   = ["secretsmanager:GetSecretValue"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = ["arn:aws:iam::${local.account}:root"]
    }
  }
}
