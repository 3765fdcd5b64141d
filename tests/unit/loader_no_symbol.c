/* A shared object that is no plugin. */
extern int something_else;
int something_else = 5;
