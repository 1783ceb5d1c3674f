usr/local/bundle/specifications/nokogiri-1.13.3-x86_64-linux.gemspec
# -*- encoding: utf-8 -*-
# stub: nokogiri 1.13.3 x86_64-linux lib
# stub: ext/nokogiri/extconf.rb

Gem::Specification.new do |s|
  s.name = "nokogiri".freeze
  s.version = "1.13.3"
  s.platform = "x86_64-linux".freeze

  s.required_rubygems_version = Gem::Requirement.new(">= 0".freeze) if s.respond_to? :required_rubygems_version=
  s.authors = ["Somebody".freeze]
  s.licenses = ["MIT".freeze]
  s.rubygems_version = "3.3.5".freeze
end
