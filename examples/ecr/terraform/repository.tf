# A repository whose tags never move, what stays in it, and who may pull from it.

resource "aws_ecr_repository" "app" {
  name                 = "team/app"
  image_tag_mutability = "IMMUTABLE"

  # Gantry knows IMMUTABLE_WITH_EXCLUSION too; of the provider, only versions behind 5.100 do.

  image_scanning_configuration {
    scan_on_push = true
  }

  tags = {
    team = "platform"
    keep = tostring(var.keep_images)
  }
}

resource "aws_ecr_lifecycle_policy" "app" {
  repository = aws_ecr_repository.app.name
  policy     = data.aws_ecr_lifecycle_policy_document.app.json
}

data "aws_ecr_lifecycle_policy_document" "app" {
  rule {
    priority    = 1
    description = "Images without a tag go after a fortnight"

    selection {
      tag_status   = "untagged"
      count_type   = "sinceImagePushed"
      count_unit   = "days"
      count_number = 14
    }
  }

  rule {
    priority    = 2
    description = "The newest images stay"

    selection {
      tag_status   = "any"
      count_type   = "imageCountMoreThan"
      count_number = var.keep_images
    }
  }
}

data "aws_iam_policy_document" "pull" {
  statement {
    sid     = "Pull"
    actions = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]

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

data "aws_ecr_repository" "app" {
  name = aws_ecr_repository.app.name
}

data "aws_ecr_authorization_token" "login" {}

output "repository_url" {
  value = data.aws_ecr_repository.app.repository_url
}

data "aws_ecr_image" "chosen" {
  count           = var.image_tag == "" ? 0 : 1
  repository_name = aws_ecr_repository.app.name
  image_tag       = var.image_tag
}

output "image_digest" {
  value = one(data.aws_ecr_image.chosen[*].image_digest)
}
