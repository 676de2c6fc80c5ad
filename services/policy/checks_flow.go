package policy

func (c *checker) checkClocks()    {}
func (c *checker) checkApprovals() {}
func (c *checker) checkFlow()      {}
func (c *checker) checkNotices()   {}
