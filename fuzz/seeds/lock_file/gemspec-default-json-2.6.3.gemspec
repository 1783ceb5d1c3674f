usr/lib/ruby/gems/3.2.0/specifications/default/json-2.6.3.gemspec
# -*- encoding: utf-8 -*-
# stub: json 2.6.3 ruby lib

Gem::Specification.new do |s|
  s.name = "json".freeze
  s.version = "2.6.3"
  s.licenses = ["Ruby".freeze]
end
