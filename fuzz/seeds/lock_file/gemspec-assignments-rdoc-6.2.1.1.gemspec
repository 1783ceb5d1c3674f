usr/lib/ruby/gems/2.7.0/specifications/rdoc-6.2.1.1.gemspec
Gem::Specification.new do |s|
  s.name = 'rdoc'
  s.version = '6.2.1.1'
  s.summary = 'Documentation'
  s.licenses = ['Ruby', 'GPL-2.0']
end
