# What holds for the whole registry.

resource "aws_ecr_repository_creation_template" "services" {
  prefix               = "services"
  description          = "What pushes and the cache create below services/"
  applied_for          = ["PULL_THROUGH_CACHE", "REPLICATION"]
  image_tag_mutability = "IMMUTABLE"
  lifecycle_policy     = aws_ecr_lifecycle_policy.app.policy
  resource_tags        = { team = "services" }
}

resource "aws_ecr_pull_through_cache_rule" "public" {
  ecr_repository_prefix = "public"
  upstream_registry_url = "public.ecr.aws"
}

resource "aws_ecr_replication_configuration" "copies" {
  replication_configuration {
    rule {
      destination {
        region      = "eu-central-1"
        registry_id = local.account
      }

      repository_filter {
        filter      = "team/"
        filter_type = "PREFIX_MATCH"
      }
    }
  }
}

resource "aws_ecr_registry_policy" "copies" {
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "Copies"
      Effect    = "Allow"
      Principal = { AWS = "arn:aws:iam::${local.account}:root" }
      Action    = ["ecr:CreateRepository", "ecr:ReplicateImage"]
      Resource  = local.everything
    }]
  })
}

resource "aws_ecr_registry_scanning_configuration" "scans" {
  scan_type = "BASIC"

  rule {
    scan_frequency = "SCAN_ON_PUSH"

    repository_filter {
      filter      = "team/*"
      filter_type = "WILDCARD"
    }
  }
}

resource "aws_ecr_account_setting" "scan_version" {
  name  = "BASIC_SCAN_TYPE_VERSION"
  value = "AWS_NATIVE"
}

data "aws_ecr_repository_creation_template" "services" {
  prefix = aws_ecr_repository_creation_template.services.prefix
}

data "aws_ecr_pull_through_cache_rule" "public" {
  ecr_repository_prefix = aws_ecr_pull_through_cache_rule.public.ecr_repository_prefix
}

data "aws_ecr_repositories" "all" {
  depends_on = [aws_ecr_repository.app]
}

output "repositories" {
  value = data.aws_ecr_repositories.all.names
}

output "created_immutable" {
  value = data.aws_ecr_repository_creation_template.services.image_tag_mutability == "IMMUTABLE"
}

output "upstream" {
  value = data.aws_ecr_pull_through_cache_rule.public.upstream_registry_url
}
