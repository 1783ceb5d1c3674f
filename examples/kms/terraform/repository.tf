# A repository that is encrypted under the key, and the role that pulls from it. Who pulls needs nothing of the key: the registry
# uses it for him.
resource "aws_ecr_repository" "app" {
  name = "team/encrypted"

  encryption_configuration {
    encryption_type = "KMS"
    kms_key         = aws_kms_key.images.arn
  }
}

resource "aws_iam_role" "deploy" {
  name               = "deploy-encrypted"
  description        = "Pulls what is deployed"
  assume_role_policy = data.aws_iam_policy_document.deploy_trust.json
}

data "aws_iam_policy_document" "deploy_trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "AWS"
      identifiers = ["arn:aws:iam::${local.account}:root"]
    }
  }
}

resource "aws_ecr_repository_policy" "app" {
  repository = aws_ecr_repository.app.name
  policy     = data.aws_iam_policy_document.pull.json
}

data "aws_iam_policy_document" "pull" {
  statement {
    sid     = "DeployPulls"
    actions = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]

    principals {
      type        = "AWS"
      identifiers = [aws_iam_role.deploy.arn]
    }
  }
}

output "repository" {
  value = aws_ecr_repository.app.name
}

output "role_arn" {
  value = aws_iam_role.deploy.arn
}
