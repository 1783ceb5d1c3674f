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

variable "team" {
  description = "Whose repositories these are: what their names begin with"
  type        = string
  default     = "team"
}

variable "session_seconds" {
  description = "How long somebody stays the deploy role"
  type        = number
  default     = 3600
}
