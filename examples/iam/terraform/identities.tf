# CI pushes with a key of its own, to the repositories of its team.
resource "aws_iam_user" "ci" {
  name          = "ci"
  path          = "/${var.team}/"
  force_destroy = true

  tags = {
    team = var.team
  }
}

resource "aws_iam_access_key" "ci" {
  user = aws_iam_user.ci.name
}

resource "aws_iam_user_policy" "ci_login" {
  name   = "login"
  user   = aws_iam_user.ci.name
  policy = data.aws_iam_policy_document.login.json
}

resource "aws_iam_user_policy_attachment" "ci_push" {
  user       = aws_iam_user.ci.name
  policy_arn = "arn:aws:iam::aws:policy/gantry/${var.team}/push"
}

# People who look.
resource "aws_iam_group" "readers" {
  name = "readers"
  path = "/${var.team}/"
}

resource "aws_iam_group_policy_attachment" "readers_pull" {
  group      = aws_iam_group.readers.name
  policy_arn = aws_iam_policy.pull.arn
}

resource "aws_iam_user_group_membership" "ci" {
  user   = aws_iam_user.ci.name
  groups = [aws_iam_group.readers.name]
}

# Whoever deploys pulls for an hour at a time, without a key of long standing.
resource "aws_iam_openid_connect_provider" "ci" {
  url             = "https://token.actions.githubusercontent.com"
  client_id_list  = ["sts.amazonaws.com"]
  thumbprint_list = ["6938fd4d98bab03faadb97b34396831e3780aea1"]
}

resource "aws_iam_role" "deploy" {
  name                 = "deploy"
  description          = "Pulls what is deployed"
  assume_role_policy   = data.aws_iam_policy_document.deploy_trust.json
  max_session_duration = var.session_seconds
  permissions_boundary = aws_iam_policy.pull.arn

  tags = {
    team = var.team
  }
}

resource "aws_iam_role_policy_attachment" "deploy_pull" {
  role       = aws_iam_role.deploy.name
  policy_arn = aws_iam_policy.pull.arn
}

output "ci_access_key_id" {
  value = aws_iam_access_key.ci.id
}

output "deploy_role_arn" {
  value = aws_iam_role.deploy.arn
}
