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

variable "keep_images" {
  description = "How many images of the repository stay"
  type        = number
  default     = 50
}

variable "image_tag" {
  description = "A tag of the repository, to be looked up; none where it is empty"
  type        = string
  default     = ""
}
