# What the images of the team are encrypted under. Whoever administers keys need not be able to read with them.
resource "aws_kms_key" "images" {
  description             = "Images of the team"
  enable_key_rotation     = true
  rotation_period_in_days = var.rotation_days
  deletion_window_in_days = 7
  policy                  = data.aws_iam_policy_document.key.json

  tags = {
    team = "team"
  }
}

resource "aws_kms_alias" "images" {
  name          = "alias/team-images"
  target_key_id = aws_kms_key.images.key_id
}

# The account's own policies decide who may do what with the key.
data "aws_iam_policy_document" "key" {
  statement {
    sid       = "Account"
    actions   = ["kms:*"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = ["arn:aws:iam::${local.account}:root"]
    }
  }
}

# A key that nobody uses at the moment.
resource "aws_kms_key" "spare" {
  description             = "Spare"
  is_enabled              = false
  deletion_window_in_days = 7
}

output "key_arn" {
  value = aws_kms_key.images.arn
}
