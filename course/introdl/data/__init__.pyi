from .dataset import Dataset as Dataset
from .embedded import digits as digits, doughnut as doughnut, plates as plates
from .errors import DataError as DataError
from .folders import folder as folder, write_folder as write_folder
from .photographs import photo as photo
from .published import food101 as food101, grocery as grocery, mnist as mnist
