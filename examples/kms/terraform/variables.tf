variable "endpoint" {
  description = "Where Gantry serves"
  type        = string
  default     = "http://127.0.0.1:5000"
}

variable "region" {
  description = "The region that Gantry was told (GANTRY_REGION)"
  type        = string
  default     = "us-east-1"
}

variable "rotation_days" {
  description = "How many days a key's material is used for what is encrypted anew"
  type        = number
  default     = 180
}

variable "upstream_token" {
  description = "What Docker Hub is asked with"
  type        = string
  sensitive   = true
  default     = "not-a-token"
}
